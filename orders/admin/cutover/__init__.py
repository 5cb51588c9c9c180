"""Pages of the cut-over of a tenant from proxy to events."""
