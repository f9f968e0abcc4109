"""How the kerb was used: hours of zones from what held at their bays, and the figures that are made of them. Pure."""
