<?php

// HEADER

use GuzzleHttp\Psr7\Query;
use Illuminate\Http\Client\Factory;
use Illuminate\Http\Client\Request;
use PHPUnit\Framework\Assert;

/*
 * $mocks = require __DIR__.'/crossapp_mocks.php';
 * $api = $mocks('tuvens-api', given: 'the organiser has a live session');
 * Http::fake($api->stubs());
 *
 * given: the provider state, or a list; without one each operation responds with the example of its document.
 * fault: a documented error that each operation which documents it returns: 'too_many_requests'.
 * only: keys of interactions; the others are then unexpected.
 * values: what placeholders of credentials stand for: ['crossapp.shared-secret' => 's3cret'].
 */
$table = json_decode('TABLE', false, 512, JSON_THROW_ON_ERROR);

return static function (
    string $app,
    string|array $given = [],
    string $fault = '',
    array $only = [],
    ?string $url = null,
    array $values = [],
) use ($table): object {
    return new class($table, $app, (array) $given, $fault, $only, $url, $values) {
        /** Where the application is mocked. */
        public readonly string $url;

        /** @var array<string, string> what placeholders of credentials stand for */
        public readonly array $values;

        /** @var list<string> what was wrong with each request that was refused */
        public array $unexpected = [];

        private array $operations;

        /** @var array<string, object> the interactions by key */
        private array $rows = [];

        private array $called = [];

        public function __construct(
            private readonly object $table,
            public readonly string $app,
            array $states,
            string $fault,
            array $only,
            ?string $url,
            array $values,
        ) {
            $this->known('application', $app, array_keys((array) $table->applications));
            $mocked = $table->applications->$app;
            $names = fn (string $field): array => array_unique(array_filter(array_column($mocked->interactions, $field)));
            foreach ($states as $state) {
                $this->known('provider state', $state, $names('state'));
            }
            if ($fault !== '') {
                $this->known('fault', $fault, $names('fault'));
            }
            $faulty = array_filter($mocked->interactions, fn ($row) => $fault !== '' && $row->fault === $fault);
            $failing = array_column($faulty, 'operation');
            $others = array_filter($mocked->interactions, fn ($row) => ! in_array($row->operation, $failing, true)
                && ($states ? in_array($row->state, $states, true) : $row->state === '' && $row->fault === ''));
            $rows = [...$faulty, ...$others];
            usort($rows, fn ($one, $other) => $other->exactness <=> $one->exactness);
            foreach ($only as $key) {
                $this->known('interaction', $key, array_column($rows, 'key'));
            }
            foreach ($rows as $row) {
                if ($only === [] || in_array($row->key, $only, true)) {
                    $this->rows[$row->key] = $row;
                }
            }
            $this->operations = $mocked->operations;
            $this->url = rtrim($url ?? $mocked->url, '/');
            $this->values = $values + (array) $table->values;
        }

        /** For Http::fake. */
        public function stubs(): array
        {
            return [$this->url.'/*' => fn (Request $request) => $this->respond($request)];
        }

        /** The keys of the interactions that a request was sent for. */
        public function called(): array
        {
            return array_values(array_intersect(array_keys($this->rows), $this->called));
        }

        /** The keys of the interactions that no request was sent for. */
        public function unused(): array
        {
            return array_values(array_diff(array_keys($this->rows), $this->called));
        }

        /** Fails if a request was refused, also if the client caught that failure. */
        public function assertAllExpected(): void
        {
            Assert::assertTrue($this->unexpected === [], implode("\n", $this->unexpected));
        }

        /** Fails if an interaction is unused: for a mock with `only`. */
        public function assertAllCalled(): void
        {
            $unused = implode(', ', $this->unused());
            Assert::assertTrue($unused === '', "$this->app: no request was sent for $unused");
        }

        private function respond(Request $request)
        {
            $sent = $request->toPsrRequest();
            $path = substr($sent->getUri()->getPath(), strlen((string) parse_url($this->url, PHP_URL_PATH)));
            $operation = $this->serving($sent->getMethod(), $path);
            if ($operation === null) {
                $this->refuse("the document of $this->app has no operation {$sent->getMethod()} $path");
            }
            // The last one of several values.
            $query = array_map(fn ($each) => (string) last((array) $each), Query::parse($sent->getUri()->getQuery()));
            $problems = $this->forbidden($operation, $request, $query);
            $closest = null;
            foreach ($this->rows as $row) {
                if ($row->operation !== $operation->id) {
                    continue;
                }
                $found = $row->open ? [] : $this->differences($row, $request, $query);
                if ($found === [] && ($row->forbidden || $problems === [])) {
                    $this->called[] = $row->key;
                    $body = is_null($row->response_body) || is_string($row->response_body)
                        ? (string) $row->response_body
                        : json_encode($row->response_body, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);

                    return Factory::response($body, $row->status, (array) $row->response_headers);
                }
                $distance = [count($found), $row->status];
                if ($closest === null || $distance < $closest[0]) {
                    $closest = [$distance, $row->key, $found];
                }
            }
            if ($problems !== []) {
                $this->refuse("the document of $this->app forbids this request of $operation->id:", ...$problems);
            }
            if ($closest === null) {
                $this->refuse("$this->app: $operation->id is unexpected: no interaction here is a request of it");
            }
            [, $key, $found] = $closest;
            $this->refuse("$this->app: no interaction has this request of $operation->id; $key differs in", ...$found);
        }

        private function refuse(string ...$lines): never
        {
            $this->unexpected[] = implode("\n  ", $lines);
            Assert::fail(end($this->unexpected));
        }

        private function known(string $what, string $name, array $names): void
        {
            if (! in_array($name, $names, true)) {
                $known = implode(', ', $names);
                throw new InvalidArgumentException("$this->app has no $what '$name'; it has $known");
            }
        }

        /** The operation that serves a method and path: one without parameters takes precedence. */
        private function serving(string $method, string $path): ?object
        {
            $fits = array_filter($this->operations, function ($each) use ($method, $path) {
                $parts = array_map(fn ($part) => preg_quote($part, '~'), preg_split('~{\w+}~', $each->path));

                return $each->method === $method && preg_match('~^'.implode('[^/]+', $parts).'$~D', $path);
            });
            usort($fits, fn ($one, $other) => substr_count($one->path, '{') <=> substr_count($other->path, '{'));

            return $fits[0] ?? null;
        }

        /** What the document forbids about a request, without the values that were sent. */
        private function forbidden(object $operation, Request $request, array $query): array
        {
            $missing = [];
            foreach ($operation->credentials as $credential) {
                $at = '/headers/'.strtolower($credential->header);
                if (! $request->hasHeader($credential->header)) {
                    $missing[] = "$at: is required";
                } elseif (! str_starts_with($request->header($credential->header)[0], $credential->prefix)) {
                    $missing[] = "$at: does not begin with '$credential->prefix'";
                }
            }
            $problems = count($missing) === count($operation->credentials) ? $missing : [];
            foreach ($operation->query as $name => $schema) {
                $problems = [...$problems, ...array_key_exists($name, $query)
                    ? $this->invalid($schema, $query[$name], "/query/$name")
                    : ["/query/$name: is required"]];
            }
            if ($operation->body === null) {
                return $problems;
            }
            if ($request->body() === '') {
                return $operation->body->required ? [...$problems, '/body: is required'] : $problems;
            }
            $type = strtolower(trim(explode(';', $request->header('Content-Type')[0] ?? '')[0]));
            if ($type !== 'application/json') {
                return [...$problems, '/headers/content-type: application/json is expected'];
            }
            $body = json_decode($request->body());
            if (json_last_error() !== JSON_ERROR_NONE) {
                return [...$problems, '/body: is not JSON'];
            }

            return [...$problems, ...$this->invalid($operation->body->schema, $body, '/body')];
        }

        private function invalid(object $schema, mixed $value, string $at): array
        {
            if (! class_exists(JsonSchema\Validator::class)) {
                throw new LogicException('install the library that checks requests: '
                    .'composer require --dev justinrainbow/json-schema');
            }
            $validator = new JsonSchema\Validator();
            $validator->validate($value, $schema);

            return array_map(fn ($each) => "$at{$each['pointer']}: {$each['message']}", $validator->getErrors());
        }

        /** In what a request differs from that of an interaction; nothing if it is that request. */
        private function differences(object $row, Request $request, array $query): array
        {
            $found = [];
            foreach ($row->query as $name => $expected) {
                $found = [...$found, ...$this->differs("/query/$name", $expected, $query[$name] ?? null, $request)];
            }
            foreach ($row->headers as $name => $expected) {
                $value = $request->header($name)[0] ?? null;
                $found = [...$found, ...$this->differs('/headers/'.strtolower($name), $expected, $value, $request)];
            }
            if ($row->body === null) {
                return $found;
            }
            $body = json_decode($request->body());
            if (json_last_error() !== JSON_ERROR_NONE) {
                return [...$found, '/body: JSON is expected'];
            }

            return [...$found, ...$this->bodyDiffers('', $row->body, $body, $row->loose)];
        }

        private function differs(string $at, object $expected, ?string $value, Request $request): array
        {
            if ($expected->kind === 'absent') {
                return $value === null ? [] : ["$at: no value is expected"];
            }
            if ($value === null) {
                return ["$at: is missing"];
            }
            if ($expected->kind === 'signature') {
                $secret = $this->replaced('crossapp.shared-secret');
                $right = hash_equals('sha256='.hash_hmac('sha256', $request->body(), $secret), $value);

                return $right ? [] : ["$at: the signature of the body with the shared secret is expected"];
            }
            if ($expected->kind === 'regex') {
                $right = preg_match('~^(?:'.str_replace('~', '\~', $expected->value).')$~D', $value);

                return $right ? [] : ["$at: a match of $expected->value is expected"];
            }
            $right = $expected->kind === 'type' || $value === $this->replaced($expected->value);

            return $right ? [] : ["$at: '$expected->value' is expected"];
        }

        private function bodyDiffers(string $at, mixed $expected, mixed $value, array $loose): array
        {
            if (is_object($expected)) {
                if (! is_object($value)) {
                    return ["/body$at: an object is expected"];
                }
                $extra = array_diff(array_keys((array) $value), array_keys((array) $expected));
                $found = array_map(fn ($name) => "/body$at/$name: is not expected", array_values($extra));
                foreach ($expected as $name => $each) {
                    $found = [...$found, ...property_exists($value, $name)
                        ? $this->bodyDiffers("$at/$name", $each, $value->$name, $loose)
                        : ["/body$at/$name: is missing"]];
                }

                return $found;
            }
            if (in_array($at, $loose, true)) {
                $kind = get_debug_type($expected);

                return get_debug_type($value) === $kind ? [] : ["/body$at: $kind is expected"];
            }
            $wanted = is_string($expected) ? $this->replaced($expected) : $expected;

            return $value === $wanted ? [] : ["/body$at: ".json_encode($expected).' is expected'];
        }

        private function replaced(string $text): string
        {
            $replace = fn (array $found): string => $this->values[$found[0]] ?? $found[0];

            return preg_replace_callback("~{$this->table->placeholder}~", $replace, $text);
        }
    };
};
