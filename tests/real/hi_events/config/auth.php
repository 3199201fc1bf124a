<?php

return [
    'defaults' => ['guard' => 'api', 'passwords' => null],
    'guards' => ['api' => ['driver' => 'bearer']],
    'providers' => [],
];
