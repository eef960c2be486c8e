// SPDX-License-Identifier: Apache-2.0
// Runs a WASI program: node run_wasi.mjs PROGRAM.wasm [ARGUMENT...]. It sees the environment and the
// whole file system, under the same names, and its exit code becomes node's.
import {readFile} from 'node:fs/promises';
import {WASI} from 'node:wasi';

const args = process.argv.slice(2);
const wasi = new WASI({version: 'preview1', args, env: process.env, preopens: {'/': '/'}, returnOnExit: true});
const module = await WebAssembly.compile(await readFile(args[0]));
const instance = await WebAssembly.instantiate(module, {wasi_snapshot_preview1: wasi.wasiImport});
process.exitCode = wasi.start(instance);
