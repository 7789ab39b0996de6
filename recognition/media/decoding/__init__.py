"""What image files and PDFs hold, brought to our form."""
