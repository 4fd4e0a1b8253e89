"""What is looked at: pages, the API of the same figures, and the report; all of them read schema `bi` alone."""
