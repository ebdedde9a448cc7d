"""Turn-taking: when the caller has finished, when the agent yields. Policies, and thin adapters."""
