/* What the tests of the WebAssembly module share: where it is, and models' files. */
import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const wasm = readFileSync(process.env.CHRONOS2_WASM ?? join(root, 'build-wasm', 'chronos2.wasm'));
export const modelFiles = (folder) => Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
export const micro = () => modelFiles(join(root, 'models', 'chronos2-micro'));
