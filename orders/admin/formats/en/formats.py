"""Moments in the reader's zone with its offset (orders.admin.zones), the same in every list and form."""

DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i:s O"
DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
