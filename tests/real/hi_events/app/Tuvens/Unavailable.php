<?php

namespace App\Tuvens;

use RuntimeException;

/** tuvens-api could not be reached, failed, or answered nonsense. */
class Unavailable extends RuntimeException
{
}
