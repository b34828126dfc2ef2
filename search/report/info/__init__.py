"""What the report says, as plain values. Pure, but for reading the study."""
