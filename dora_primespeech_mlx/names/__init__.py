"""What users write to name something: paths and languages, and what a slip stands for; and errors in words."""
