<?php

namespace App\Tuvens;

use RuntimeException;

/** tuvens-api refused what it was asked; the code is its status. */
class Refused extends RuntimeException
{
}
