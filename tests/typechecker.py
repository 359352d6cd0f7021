"""What jaxtyping checks the library with under pytest: beartype, which alone refuses an int where a float is due."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
