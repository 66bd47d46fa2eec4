"""What happened over time: the changes between publications, and the story of one listing."""
