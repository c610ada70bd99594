"""Starts moto's server."""

from moto.server import main

if __name__ == "__main__":
    main()
