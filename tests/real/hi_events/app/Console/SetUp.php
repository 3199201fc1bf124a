<?php

namespace App\Console;

use Illuminate\Console\Command;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Schema;

class SetUp extends Command
{
    protected $signature = 'hi-events:set-up';

    protected $description = 'Make the tables, and the accounts and events of the file that SEED names';

    public function handle(): void
    {
        touch(config('database.connections.sqlite.database'));
        DB::statement('PRAGMA journal_mode = WAL');
        $this->tables();
        $this->rows(json_decode(file_get_contents(env('SEED')), true, flags: JSON_THROW_ON_ERROR));
    }

    private function tables(): void
    {
        Schema::create('users', function (Blueprint $table): void {
            $table->id();
            $table->string('external_user_id')->nullable()->unique();
            $table->string('email')->index();
            $table->string('first_name');
            $table->string('last_name')->nullable();
            $table->timestamps();
        });
        Schema::create('accounts', function (Blueprint $table): void {
            $table->id();
            $table->unsignedBigInteger('external_account_id')->unique();
            $table->string('name');
            $table->timestamps();
        });
        Schema::create('account_user', function (Blueprint $table): void {
            $table->foreignId('account_id')->constrained();
            $table->foreignId('user_id')->constrained();
            $table->primary(['account_id', 'user_id']);
        });
        Schema::create('sessions', function (Blueprint $table): void {
            $table->id();
            $table->string('token_hash')->unique();
            $table->foreignId('user_id')->constrained();
            $table->foreignId('account_id')->constrained();
            $table->text('tuvens_token');
            $table->timestamp('expires_at')->index();
        });
        Schema::create('events', function (Blueprint $table): void {
            $table->id();
            $table->foreignId('account_id')->constrained();
            $table->string('tuvens_event_id')->nullable()->unique();
            $table->string('title');
            $table->text('description')->nullable();
            $table->timestamp('start_date')->nullable();
            $table->timestamp('end_date')->nullable();
            $table->string('status')->default('DRAFT');
            $table->json('details')->nullable();
            $table->timestamps();
        });
        Schema::create('webhook_deliveries', function (Blueprint $table): void {
            $table->id();
            $table->foreignId('event_id')->constrained();
            $table->text('body');
            $table->unsignedInteger('attempts')->default(0);
            $table->double('due_at');
            $table->timestamp('settled_at')->nullable();
            $table->index(['settled_at', 'event_id']);
        });
        Schema::create('webhook_attempts', function (Blueprint $table): void {
            $table->id();
            $table->foreignId('delivery_id')->constrained('webhook_deliveries');
            $table->unsignedInteger('number');
            $table->double('started_at');
            $table->double('duration');
            $table->unsignedSmallInteger('status')->nullable();
            $table->string('error')->nullable();
            $table->text('answer')->nullable();
        });
        Schema::create('cache', function (Blueprint $table): void {
            $table->string('key')->primary();
            $table->mediumText('value');
            $table->integer('expiration');
        });
        Schema::create('cache_locks', function (Blueprint $table): void {
            $table->string('key')->primary();
            $table->string('owner');
            $table->integer('expiration');
        });
    }

    private function rows(array $seed): void
    {
        $times = ['created_at' => now(), 'updated_at' => now()];
        $local = [];
        foreach ($seed['accounts'] as $account) {
            $values = ['external_account_id' => $account['id'], 'name' => $account['name'], ...$times];
            $local[$account['id']] = DB::table('accounts')->insertGetId($values);
        }
        foreach ($seed['hi_events'] ?? [] as $event) {
            DB::table('events')->insert([
                'id' => $event['id'],
                'account_id' => $local[$event['external_account_id']],
                'tuvens_event_id' => $event['tuvens_event_id'],
                'title' => $event['title'],
                'status' => $event['status'] ?? 'DRAFT',
                ...$times,
            ]);
        }
    }
}
