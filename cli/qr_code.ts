/** QR codes for a terminal. @module */

/** The text as a QR code of half blocks, two modules a character. */
export async function qrCode(text: string): Promise<string> {
  const { renderUnicodeCompact } = await import("uqr");
  return renderUnicodeCompact(text);
}
