"""What people and scripts see of a running search: its plan, progress, displays and events."""
