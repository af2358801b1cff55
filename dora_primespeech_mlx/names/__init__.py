"""What users write to name something: paths and languages."""
