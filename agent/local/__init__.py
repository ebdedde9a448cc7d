"""The local engines of a worker: which processes hold their models, and how calls reach them."""
