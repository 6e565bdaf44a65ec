"""The generators: one trainer, many games. Their fakes and critics feed `unmask.detect`."""
