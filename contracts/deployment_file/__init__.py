"""Premises: what the deployment file says is so at the deployment."""
