/** Argon2id alone: who loads it by this name, and a bundle, leave the package's other hashes out. @module */
export { argon2id } from "hash-wasm";
