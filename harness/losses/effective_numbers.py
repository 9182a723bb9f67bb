"""Class weights by effective numbers of samples.

Source: Cui et al. 2019, Class-Balanced Loss Based on Effective Number of Samples, equation (2) and Sec. 4.
"""

import math


def effective_number_gamma(beta: float, positives: int, negatives: int) -> float:
    """Return the positives' weight by effective numbers of samples, scaled so that negatives weigh 1.

    gamma_c = (1 - beta) / (1 - beta^n_c), beta in [0, 1), n_c >= 1.
    """
    if beta == 0:
        return 1.0
    log_beta = math.log(beta)
    return math.expm1(negatives * log_beta) / math.expm1(positives * log_beta)


def class_balanced_weights(beta: float, positives: int, negatives: int) -> tuple[float, float]:
    """Return the positives' and the negatives' weight by effective numbers, scaled to sum to the number of classes."""
    gamma = effective_number_gamma(beta, positives, negatives)
    return 2 * gamma / (1 + gamma), 2 / (1 + gamma)
