"""What `baycast bench` measures, and the loads and rivals that it is measured by."""
