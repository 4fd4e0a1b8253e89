"""The dashboard as a web application: pages, files and the API over the reader's sessions."""
