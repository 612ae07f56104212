"""`python -m ecg_keras` is the command `ecg-keras`."""

from ecg_keras.cli import main

if __name__ == "__main__":
    main()
