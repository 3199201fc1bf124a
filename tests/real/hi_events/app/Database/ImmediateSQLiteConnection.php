<?php

namespace App\Database;

use Illuminate\Database\SQLiteConnection;

/**
 * Transactions take SQLite's write lock at their beginning: one that read first and writes then would fail at once
 * ("database is locked") where another process wrote meanwhile. Laravel's own throttle does so.
 */
class ImmediateSQLiteConnection extends SQLiteConnection
{
    protected function createTransaction()
    {
        $outermost = $this->transactions === 0;
        parent::createTransaction();
        if ($outermost) {
            $this->getPdo()->exec('DELETE FROM cache WHERE 0'); // PDO cannot BEGIN IMMEDIATE; a write of nothing does the same
        }
    }
}
