"""Superset without examples and without guests."""

import os

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
PUBLIC_ROLE_LIKE = None
