"""The help centre as a folder of articles stands, on the author's machine, while the articles are being written."""
