/** What Deno itself takes. @module */
export {};
