"""The people who are enrolled: their photos, the index of what is in them, enrolment and recognizers."""
