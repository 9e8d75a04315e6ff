"""Pictures of the lithium surface."""
