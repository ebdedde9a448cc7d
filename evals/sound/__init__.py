"""What each stage of the noise filter is worth, in quiet and in noise."""
