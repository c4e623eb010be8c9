/** The import alone. @module */
import "../../../mod.ts";
