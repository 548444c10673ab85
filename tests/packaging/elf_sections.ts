/** Reads the section table of a 64-bit ELF file (ELF-64 Object File Format 1.5): no binutils are needed for that. @module */

/** Sizes in bytes of all sections, by name. */
export function elfSections(file: Uint8Array): Map<string, number> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const number = (at: number) => Number(view.getBigUint64(at, true));
  const [table, entrySize, count, namesIndex] = [
    number(0x28),
    view.getUint16(0x3a, true),
    view.getUint16(0x3c, true),
    view.getUint16(0x3e, true),
  ];
  const names = number(table + namesIndex * entrySize + 0x18);
  const sections = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const entry = table + index * entrySize;
    const start = names + view.getUint32(entry, true);
    sections.set(new TextDecoder().decode(file.subarray(start, file.indexOf(0, start))), number(entry + 0x20));
  }
  return sections;
}
