<?php
// Asks Laravel's own paginator for many pages and prints what it says: paginator.json beside it.
// Needs Debian's php-cli, php-illuminate-pagination and php-illuminate-http (8.83.26):
//   php paginator.php > paginator.json
require '/usr/share/php/Illuminate/Pagination/autoload.php';
require '/usr/share/php/Illuminate/Http/autoload.php';
require '/usr/share/php/Illuminate/Support/helpers.php';

if (!function_exists('__')) {
    function __($key) {
        return $key === 'pagination.previous' ? '&laquo; Previous' : 'Next &raquo;';
    }
}

function page($total, $perPage, $page, $path, $query) {
    $items = $total > ($page - 1) * $perPage ? min($perPage, $total - ($page - 1) * $perPage) : 0;
    $paginator = new Illuminate\Pagination\LengthAwarePaginator(
        array_fill(0, $items, 0), $total, $perPage, $page, ['path' => $path, 'query' => $query]);
    $said = $paginator->toArray();
    $keys = array_keys($said);
    unset($said['data']);
    return ['total' => $total, 'per_page' => $perPage, 'page' => $page, 'path' => $path,
            'query' => array_map(null, array_keys($query), array_values($query)),
            'keys' => $keys, 'said' => $said];
}

// The rule of PaginationState::resolveUsing.
function readPage($raw) {
    return filter_var($raw, FILTER_VALIDATE_INT) !== false && (int) $raw >= 1 ? (int) $raw : 1;
}

$pages = [];
foreach ([0, 1, 20, 21, 95, 260, 261, 280, 281, 400] as $total) {
    $last = max((int) ceil($total / 20), 1);
    $near = [1, 2, 6, 7, 8, 9, 10, 14, $last - 8, $last - 7, $last - 6, $last - 1, $last,
             $last + 1, $last + 5];
    foreach (array_unique($near) as $page) {
        if ($page >= 1) {
            $pages[] = page($total, 20, $page, 'http://h/x', []);
        }
    }
}
foreach ([[7, 3, 2], [100, 1, 50], [101, 100, 2], [5, 100, 1]] as [$total, $perPage, $page]) {
    $query = ['limit' => (string) $perPage, 'a b[]' => '1,2~', 'c' => 'ä/', 'page' => '9'];
    $pages[] = page($total, $perPage, $page, 'http://h/x', $query);
    $pages[] = page($total, $perPage, $page, 'http://h/x?k=v', $query);
}
$raws = ['', '0', '-1', 'abc', '2.5', '1e1', '007', '+4', ' 3', "3\n", "\t3\r", "\x0b3", "\0" . '3',
         "3\x0c", '+', '1 2', '0x10', '+0', '-0', '+ 3', '--3', '9223372036854775807',
         '9223372036854775808', '1_000', "\u{0663}", "\u{00a0}3"];
$read = [];
foreach ($raws as $raw) {
    $read[] = [$raw, readPage($raw)];
}
echo json_encode(['origin' => 'illuminate/pagination 8.83.26 under PHP ' . PHP_MAJOR_VERSION . '.'
    . PHP_MINOR_VERSION, 'read' => $read, 'pages' => $pages], JSON_UNESCAPED_SLASHES), "\n";
