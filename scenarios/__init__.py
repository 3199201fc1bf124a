"""Stories with a cast, one file each. They know a Deployment, never a simulator."""
