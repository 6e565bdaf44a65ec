"""Reports: terminal, JSON, HTML. Each writer is a module; words, pictures and charts serve all."""
