raise ImportError("absent in this test")
