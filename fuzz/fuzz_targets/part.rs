#![no_main]

use faultline_tests::hostile::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Target::Part.feed(bytes);
});
