"""`make chaos`: nights that are killed, cut off and starved, each run again and compared with an undisturbed one."""
