"""The app's identity: kinds of credential, MSAL, tokens that are shared."""
