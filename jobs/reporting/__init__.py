"""What the command `report` shows: figures and examples read from a publication, and the page made of them."""
