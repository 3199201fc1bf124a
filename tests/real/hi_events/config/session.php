<?php

return ['driver' => 'array', 'lifetime' => 60, 'cookie' => 'hi_events', 'path' => '/', 'domain' => null, 'secure' => null, 'lottery' => [0, 1]];
