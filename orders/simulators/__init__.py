"""The base of the simulated partners that tests, demos and rehearsals talk to."""
