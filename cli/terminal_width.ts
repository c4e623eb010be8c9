/**
 * Columns of the terminal.
 *
 * @returns Its width; 80 where there is no terminal to ask.
 */
export function terminalWidth(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}
