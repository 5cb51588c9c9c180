"""The OrderFlow site: requests, XML answers and what they mean."""
