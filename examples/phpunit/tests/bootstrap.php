<?php

require __DIR__.'/../vendor/autoload.php';

$command = ['crossapp', 'up', '--json', '--exit-with-stdin', '--limits', 'raised', '--port', '0'];
$process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], STDERR], $pipes);
$line = $process === false ? false : fgets($pipes[1]);
if ($line === false) {
    fwrite(STDERR, "crossapp up did not start\n");
    exit(1);
}
$GLOBALS['crossapp'] = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
register_shutdown_function(static function () use ($process, $pipes): void {
    fclose($pipes[0]);
    proc_close($process);
});
