"""Dead letters as a person clears them: grouped by cause, tried out, retried or discarded one by one or all at once.

causes     an error with its ids and numbers taken out; what to try
selection  which dead rows: of which road, tenant and cause
groups     how many of each cause, whose, since when
runs       work through a selection in the background, with a cursor
"""
