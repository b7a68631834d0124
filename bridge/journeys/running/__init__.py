"""What the operator and the offices do so that everything else may: set-up, queues, sign-in."""
