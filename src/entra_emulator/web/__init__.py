"""One request and its answer: who sends it, how it is answered."""
